"""A dozen books, so that a new shop has something on its shelves."""

from decimal import Decimal

from django.db import migrations
from django.utils.text import slugify

AUTHORS = {
    "Jane Austen": (1775, 1817),
    "Mary Shelley": (1797, 1851),
    "Herman Melville": (1819, 1891),
    "Lewis Carroll": (1832, 1898),
    "Jules Verne": (1828, 1905),
    "Robert Louis Stevenson": (1850, 1894),
    "H. G. Wells": (1866, 1946),
    "Virginia Woolf": (1882, 1941),
}

# title, author, year, price, stock, blurb
BOOKS = [
    ("Pride and Prejudice", "Jane Austen", 1813, "7.90", 24, "Five sisters, one entailed house and two proud people who read each other wrongly."),
    ("Persuasion", "Jane Austen", 1817, "7.50", 11, "Eight years after she sent him away, he comes back a captain."),
    ("Frankenstein", "Mary Shelley", 1818, "6.90", 17, "A student makes a living being, runs from it, and is followed to the ice."),
    ("Moby-Dick", "Herman Melville", 1851, "11.50", 9, "A ship, a white whale, and everything that can be known about both."),
    ("Alice's Adventures in Wonderland", "Lewis Carroll", 1865, "6.50", 30, "Down a rabbit hole, where size is a matter of what one eats."),
    ("Through the Looking-Glass", "Lewis Carroll", 1871, "6.50", 14, "A game of chess in which one has to run to stay where one is."),
    ("Twenty Thousand Leagues under the Seas", "Jules Verne", 1870, "9.90", 12, "Three guests who may never leave, aboard a ship that nobody has seen."),
    ("Around the World in Eighty Days", "Jules Verne", 1872, "8.20", 19, "A wager, a timetable and a valet who only wanted some peace."),
    ("Treasure Island", "Robert Louis Stevenson", 1883, "6.90", 22, "A map, a sea cook with one leg, and a boy in an apple barrel."),
    ("The Time Machine", "H. G. Wells", 1895, "5.90", 16, "A dinner guest comes late and brings two flowers from the far future."),
    ("The War of the Worlds", "H. G. Wells", 1898, "6.90", 8, "Cylinders fall on Surrey, and nobody knows yet how to be afraid."),
    ("To the Lighthouse", "Virginia Woolf", 1927, "8.90", 10, "A day, ten years and a day in a summer house by the sea."),
]


def add_books(apps, schema_editor):
    # "default" alone would be wrong where somebody migrates another database.
    using = schema_editor.connection.alias
    Author = apps.get_model("catalogue", "Author")
    Book = apps.get_model("catalogue", "Book")
    authors = {
        name: Author.objects.using(using).get_or_create(
            name=name, defaults={"slug": slugify(name), "born": born, "died": died}
        )[0]
        for name, (born, died) in AUTHORS.items()
    }
    books = [
        Book(
            title=title,
            slug=slugify(title),
            author=authors[author],
            year=year,
            price=Decimal(price),
            stock=stock,
            blurb=blurb,
        )
        for title, author, year, price, stock, blurb in BOOKS
    ]
    Book.objects.using(using).bulk_create(books, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]

    # Backwards it leaves the books alone: by then people have reviewed and ordered them.
    # That is why add_books accepts books that are there already.
    operations = [migrations.RunPython(add_books, migrations.RunPython.noop)]
