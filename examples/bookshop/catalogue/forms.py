from typing import ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from .models import Book, Order, Review

MAX_COVER_BYTES = 2 * 1024 * 1024
MAX_COVER_PIXELS = 4000  # on either side
COVER_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}


class BookForm(forms.ModelForm):
    """The admin's form, and what every upload of a cover has to pass."""

    class Meta:
        model = Book
        fields = ("title", "slug", "author", "year", "blurb", "price", "stock", "cover")

    def clean_cover(self) -> object:
        cover = self.cleaned_data["cover"]
        if not isinstance(cover, UploadedFile):
            return cover  # the stored one, or none
        if cover.size > MAX_COVER_BYTES:
            raise ValidationError("A cover has at most 2 MB.", code="too_large")
        # Pillow has read the file and says what it is; name and type are only what the client says.
        if cover.image.format not in COVER_SUFFIXES:
            raise ValidationError("A cover is a JPEG, PNG or WebP image.", code="format")
        if max(cover.image.size) > MAX_COVER_PIXELS:
            raise ValidationError(
                f"A cover has at most {MAX_COVER_PIXELS} pixels on each side.",
                code="too_many_pixels",
            )
        cover.name = f"cover{COVER_SUFFIXES[cover.image.format]}"
        return cover


class CoverForm(BookForm):
    class Meta(BookForm.Meta):
        fields = ("cover",)
        widgets: ClassVar = {
            "cover": forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"})
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cover"].required = True


class ReviewForm(forms.ModelForm):
    rating = forms.IntegerField(min_value=1, max_value=5)

    class Meta:
        model = Review
        fields = ("name", "rating", "text")
        widgets: ClassVar = {"text": forms.Textarea(attrs={"rows": 4, "data-count": "2000"})}


class OrderForm(forms.ModelForm):
    quantity = forms.IntegerField(min_value=1, max_value=10, initial=1)

    class Meta:
        model = Order
        fields = ("name", "email", "quantity")
