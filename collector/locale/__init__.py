"""The words that people read: a gettext catalogue of each subject in each language, and what reads them."""
