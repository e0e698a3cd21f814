from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Avg, Q, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import DetailView, ListView

from .forms import CoverForm, OrderForm, ReviewForm
from .models import Author, Book, OutOfStockError


class BookList(ListView):
    """All books, or those whose title or author contains `?q=`."""

    paginate_by = 8

    def get_queryset(self) -> QuerySet[Book]:
        books = Book.objects.select_related("author").annotate(rating=Avg("reviews__rating"))
        if words := self.request.GET.get("q", "").strip():
            books = books.filter(Q(title__icontains=words) | Q(author__name__icontains=words))
        return books.order_by("title")  # grouping for the average drops the model's order


class AuthorDetail(DetailView):
    queryset = Author.objects.prefetch_related("books")


def _find(slug: str) -> Book:
    return get_object_or_404(Book.objects.select_related("author"), slug=slug)


def _page(request: HttpRequest, book: Book, status: int = 200, **forms: BaseForm) -> HttpResponse:
    """The page of one book, with empty forms but for those that are given."""
    context = {
        "book": book,
        "review_form": ReviewForm(prefix="review"),
        "order_form": OrderForm(prefix="order"),
        "cover_form": CoverForm(),
        **forms,
    }
    return render(request, "catalogue/book_detail.html", context, status=status)


@require_safe
def book(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, _find(slug))


@require_POST
def add_review(request: HttpRequest, slug: str) -> HttpResponse:
    book = _find(slug)
    form = ReviewForm(request.POST, prefix="review")
    if not form.is_valid():
        return _page(request, book, status=422, review_form=form)
    form.instance.book = book
    form.save()
    messages.success(request, "Thank you for your review.")
    return redirect(book)


@require_POST
def place_order(request: HttpRequest, slug: str) -> HttpResponse:
    book = _find(slug)
    form = OrderForm(request.POST, prefix="order")
    if form.is_valid():
        try:
            book.sell(form.save(commit=False))
        except OutOfStockError:
            form.add_error("quantity", "There are not so many copies left.")
        else:
            messages.success(request, "Thank you, your order is on its way.")
            return redirect(book)
    return _page(request, book, status=422, order_form=form)


@require_POST
@login_required
@permission_required("catalogue.change_book", raise_exception=True)
def upload_cover(request: HttpRequest, slug: str) -> HttpResponse:
    book = _find(slug)
    replaced = book.cover.name
    form = CoverForm(request.POST, request.FILES, instance=book)
    if not form.is_valid():
        return _page(request, _find(slug), status=422, cover_form=form)
    form.save()
    if replaced and replaced != book.cover.name:
        book.cover.storage.delete(replaced)
    messages.success(request, "The cover is stored.")
    return redirect(book)
