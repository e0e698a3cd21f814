from __future__ import annotations

import secrets
from pathlib import PurePath

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse


class OutOfStockError(Exception):
    """Fewer copies are left than were ordered."""


def cover_path(book: Book, filename: str) -> str:
    """A new name for each upload: browsers may cache it, and a visitor's name is never used."""
    return f"covers/{book.slug}-{secrets.token_hex(4)}{PurePath(filename).suffix}"


class Author(models.Model):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    born = models.PositiveSmallIntegerField()
    died = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalogue:author", args=[self.slug])


class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="books")
    title = models.CharField(max_length=200)
    slug = models.SlugField(max_length=200, unique=True)
    year = models.PositiveSmallIntegerField(help_text="of the first edition")
    blurb = models.TextField()
    price = models.DecimalField(max_digits=6, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)
    cover = models.ImageField(upload_to=cover_path, blank=True)

    class Meta:
        ordering = ("title",)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalogue:book", args=[self.slug])

    def sell(self, order: Order) -> None:
        """Take the ordered copies from the stock and save the order: both or neither.

        The database compares and subtracts in one statement, so two workers that sell the last
        copy at the same moment cannot both succeed.
        """
        with transaction.atomic():
            enough = Book.objects.filter(pk=self.pk, stock__gte=order.quantity)
            if not enough.update(stock=models.F("stock") - order.quantity):
                raise OutOfStockError
            order.book = self
            order.save()


class Review(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="reviews")
    name = models.CharField(max_length=60)
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    text = models.TextField(max_length=2000)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-pk")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(rating__gte=1, rating__lte=5), name="review_rating_1_to_5"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} on {self.book}"


class Order(models.Model):
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="orders")
    name = models.CharField(max_length=60)
    email = models.EmailField()
    quantity = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"{self.quantity} x {self.book} for {self.name}"
