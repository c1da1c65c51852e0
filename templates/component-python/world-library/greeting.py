"""What needs nothing of a host can be tested without one: test_greeting.py."""


def greeting(name: str) -> str:
    return f"Hello, {name}!"
