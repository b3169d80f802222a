"""The readable pages of our own definitions, `docs/profiles/`, `docs/codes.md` and `docs/forms.md`; Japanese first."""
