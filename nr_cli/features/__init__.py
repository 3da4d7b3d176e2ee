"""Reads plain facts off a prompt's text: size, language, shapes, token estimates."""
