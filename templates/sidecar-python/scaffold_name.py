"""A provider of scaffold-space:scaffold-name/api (wit/scaffold_name.wit) for loop, as a Python program. In loop.yaml:

    bind:
      scaffold-space:scaffold-name/api: { sidecar: [python3, scaffold_name.py], warmer: 2 }
"""

from loop_sidecar import Err, Interface, Option, Resource, parse, serve  # first: it takes stdout, which carries frames

READING = "record{celsius:f32,wind:option<f32>}"
DIARY = "scaffold-space:scaffold-name/api.diary"
DIARY_STATE = parse(f"record{{place:string,readings:list<{READING}>}}")


class Diary:
    def __init__(self, place, readings=()):
        self.place, self.readings = place, list(readings)

    def close(self):
        print(f"the diary of {self.place} is closed")

    def save(self):
        """For another provider that takes this one's place: `diary-state` of wit/scaffold_name.wit."""
        return DIARY_STATE.encode({"place": self.place, "readings": self.readings})

    @classmethod
    def restore(cls, data):
        state = DIARY_STATE.decode(data)
        return cls(state.place, state.readings)


api = Interface("scaffold-space:scaffold-name/api@0.1.0", resources={"diary": Resource(Diary.close, Diary.save, Diary.restore)})
warmer = 0


@api.function(f"(string)->result<{READING},enum{{unknown-place,no-answer}}>")
def now(call, place):
    """Ask a real service here. It may wait: each call has a thread, and call.cancelled says when to hurry."""
    if not place:
        raise Err("unknown-place")
    call.log("debug", "looked out of the window", place=place)
    return {"celsius": len(place) + warmer, "wind": 3.5 if " " in place else None}


@api.function(f"(string)->own<{DIARY}>")
def open_diary(call, place):
    return Diary(place)


@api.function(f"(borrow<{DIARY}>,{READING})", name="[method]diary.note")
def note(call, diary, what):
    diary.readings.append(what)


@api.function(f"(borrow<{DIARY}>)->option<{READING}>", name="[method]diary.warmest")
def warmest(call, diary):
    return max(diary.readings, key=lambda reading: reading.celsius, default=None)


def ready(host):
    global warmer
    warmer = host.options["warmer"]


serve("scaffold-name", [api], version="0.1.0", summary="the weather by the length of a name", open=ready,
      options=[Option("warmer", "number", "0", "degrees to add")])
