# ruff: noqa: PT009, PT027 - unittest's assertions: Django's runner shows their values.
import io
import tempfile
from pathlib import Path
from typing import ClassVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import TestCase, override_settings
from PIL import Image

from .forms import MAX_COVER_BYTES
from .models import Author, Book, Order, OutOfStockError


def picture(kind: str = "PNG", size: tuple[int, int] = (20, 30)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "darkred").save(stream, kind)
    return stream.getvalue()


class PagesTest(TestCase):
    def test_a_new_shop_has_a_dozen_books_on_two_pages(self):
        first, second = self.client.get("/"), self.client.get("/?page=2")
        self.assertEqual(len(first.context["book_list"]) + len(second.context["book_list"]), 12)
        self.assertContains(first, "Frankenstein")
        self.assertContains(first, 'href="?page=2"')

    def test_search_finds_titles_and_authors(self):
        found = [str(book) for book in self.client.get("/?q=wells").context["book_list"]]
        self.assertEqual(found, ["The Time Machine", "The War of the Worlds"])
        self.assertContains(self.client.get("/?q=zeppelin"), "Nothing found")

    def test_search_words_are_escaped(self):
        self.assertNotContains(self.client.get("/?q=<script>alert(1)"), "<script>alert")

    def test_author_and_book_link_to_each_other(self):
        self.assertContains(self.client.get("/authors/jane-austen/"), "/books/persuasion/")
        self.assertContains(self.client.get("/books/persuasion/"), "/authors/jane-austen/")

    def test_an_unknown_book_is_not_found(self):
        self.assertContains(self.client.get("/books/none/"), "no such page", status_code=404)

    def test_migrations_are_complete(self):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)


class ReviewTest(TestCase):
    url = "/books/moby-dick/reviews/"
    review: ClassVar = {"review-name": "Ada", "review-rating": 4, "review-text": "Long.\nWorth it."}

    def test_a_review_is_stored_and_shown(self):
        answer = self.client.post(self.url, self.review, follow=True)
        self.assertRedirects(answer, "/books/moby-dick/")
        self.assertContains(answer, "Long.<br>Worth it.")
        self.assertContains(self.client.get("/?q=moby"), "4.0 of 5")

    def test_a_wrong_rating_is_explained_and_nothing_stored(self):
        answer = self.client.post(self.url, {**self.review, "review-rating": 6})
        self.assertContains(answer, "less than or equal to 5", status_code=422)
        self.assertFalse(Book.objects.get(slug="moby-dick").reviews.exists())

    def test_reviews_are_posted_only(self):
        self.assertEqual(self.client.get(self.url).status_code, 405)


class OrderTest(TestCase):
    url = "/books/treasure-island/orders/"
    order: ClassVar = {"order-name": "Jim", "order-email": "jim@example.org", "order-quantity": 10}

    def stock(self) -> int:
        return Book.objects.get(slug="treasure-island").stock

    def test_an_order_takes_copies_from_the_stock(self):
        self.assertRedirects(self.client.post(self.url, self.order), "/books/treasure-island/")
        self.assertEqual(self.stock(), 12)
        self.assertEqual(Order.objects.get().quantity, 10)

    def test_more_than_there_is_cannot_be_ordered(self):
        Book.objects.filter(slug="treasure-island").update(stock=9)
        answer = self.client.post(self.url, self.order)
        self.assertContains(answer, "not so many copies", status_code=422)
        self.assertEqual((self.stock(), Order.objects.count()), (9, 0))

    def test_the_stock_in_the_database_counts_not_the_one_read_before(self):
        book = Book.objects.get(slug="treasure-island")
        Book.objects.update(stock=0)
        with self.assertRaises(OutOfStockError):
            book.sell(Order(name="Jim", email="jim@example.org", quantity=1))


class CoverTest(TestCase):
    url = "/books/persuasion/cover/"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.media = Path(folder.name)
        settings = override_settings(MEDIA_ROOT=self.media)
        settings.enable()
        self.addCleanup(settings.disable)
        self.editor = get_user_model().objects.create_user("editor")
        self.editor.user_permissions.add(Permission.objects.get(codename="change_book"))
        self.client.force_login(self.editor)

    def upload(self, content: bytes, name: str = "cover.png"):
        return self.client.post(self.url, {"cover": SimpleUploadedFile(name, content)})

    def files(self) -> list[str]:
        return [path.name for path in self.media.rglob("*") if path.is_file()]

    def test_a_cover_is_stored_under_a_name_of_our_own(self):
        self.assertRedirects(self.upload(picture(), "../../evil name.png"), "/books/persuasion/")
        cover = Book.objects.get(slug="persuasion").cover
        self.assertRegex(cover.name, r"^covers/persuasion-[0-9a-f]{8}\.png$")
        self.assertContains(self.client.get("/books/persuasion/"), cover.url)

    def test_a_new_cover_replaces_the_old_file(self):
        self.upload(picture())
        self.upload(picture("WEBP"), "new.webp")
        (name,) = self.files()
        self.assertTrue(name.endswith(".webp"))

    def test_the_suffix_follows_the_content_not_the_name(self):
        self.upload(picture("JPEG"), "cover.png")
        self.assertTrue(self.files()[0].endswith(".jpg"))

    def test_what_is_no_cover_is_refused_and_not_stored(self):
        page = b"<!doctype html><script>alert(1)</script>"
        for content, name, reason in [
            (page, "page.html", "not an image"),
            (picture(), "page.html", "not allowed"),
            (page, "page.png", "not an image"),
            (picture("GIF"), "cover.gif", "JPEG, PNG or WebP"),
            (picture() + b"\0" * MAX_COVER_BYTES, "big.png", "at most 2 MB"),
            (picture(size=(4001, 1)), "wide.png", "4000 pixels"),
            (b"", "empty.png", "empty"),
        ]:
            with self.subTest(name=name):
                self.assertContains(self.upload(content, name), reason, status_code=422)
        self.assertEqual(self.files(), [])
        self.assertFalse(Book.objects.get(slug="persuasion").cover)

    def test_only_who_may_change_books_uploads_covers(self):
        self.editor.user_permissions.clear()
        self.assertEqual(self.upload(picture()).status_code, 403)
        self.client.logout()
        self.assertRedirects(
            self.upload(picture()), f"/admin/login/?next={self.url}", fetch_redirect_response=False
        )


class AdminTest(TestCase):
    def test_staff_logs_in_and_changes_a_price(self):
        get_user_model().objects.create_superuser("boss", password="a long secret")
        answer = self.client.post(
            "/admin/login/?next=/admin/", {"username": "boss", "password": "a long secret"}
        )
        self.assertRedirects(answer, "/admin/")
        book = Book.objects.get(slug="persuasion")
        fields = ("title", "slug", "year", "blurb", "stock")
        form = {**{name: getattr(book, name) for name in fields}, "price": "8.00"}
        form["author"] = Author.objects.get(slug="jane-austen").pk
        answer = self.client.post(f"/admin/catalogue/book/{book.pk}/change/", form)
        self.assertRedirects(answer, "/admin/catalogue/book/")
        book.refresh_from_db()
        self.assertEqual(str(book.price), "8.00")
