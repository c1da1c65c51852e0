import sys

from wit_world import exports


class Greet(exports.Greet):
    def greet(self, name: str) -> str:
        return f"Hello, {name}!"


class Run(exports.Run):
    def run(self) -> None:
        print(Greet().greet(sys.argv[1] if len(sys.argv) > 1 else "world"))
