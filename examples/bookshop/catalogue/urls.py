from django.urls import path

from . import views

app_name = "catalogue"

urlpatterns = [
    path("", views.BookList.as_view(), name="books"),
    path("authors/<slug:slug>/", views.AuthorDetail.as_view(), name="author"),
    path("books/<slug:slug>/", views.book, name="book"),
    path("books/<slug:slug>/reviews/", views.add_review, name="add-review"),
    path("books/<slug:slug>/orders/", views.place_order, name="place-order"),
    path("books/<slug:slug>/cover/", views.upload_cover, name="upload-cover"),
]
