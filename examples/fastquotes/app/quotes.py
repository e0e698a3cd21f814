from pydantic import BaseModel


class Quote(BaseModel):
    text: str
    author: str
    year: int


QUOTES = (
    Quote(
        text="It is a truth universally acknowledged, that a single man in possession of a "
        "good fortune, must be in want of a wife.",
        author="Jane Austen",
        year=1813,
    ),
    Quote(text="Call me Ishmael.", author="Herman Melville", year=1851),
    Quote(text="Curiouser and curiouser!", author="Lewis Carroll", year=1865),
    Quote(
        text="Beware; for I am fearless, and therefore powerful.", author="Mary Shelley", year=1818
    ),
    Quote(
        text="It is a mistake to think you can solve any major problems just with potatoes.",
        author="Douglas Adams",
        year=1982,
    ),
)
