from typing import ClassVar

from django.contrib import admin

from .forms import BookForm
from .models import Author, Book, Order, Review


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    list_display = ("name", "born", "died")
    prepopulated_fields: ClassVar = {"slug": ("name",)}


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    form = BookForm
    list_display = ("title", "author", "year", "price", "stock")
    list_filter = ("author",)
    list_select_related = ("author",)
    prepopulated_fields: ClassVar = {"slug": ("title",)}
    search_fields = ("title", "author__name")


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ("book", "name", "rating", "created")
    list_filter = ("rating",)
    list_select_related = ("book",)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ("book", "name", "quantity", "created")
    list_select_related = ("book",)
    readonly_fields = ("created",)
