"""The catalogs of the languages, one file each, in gettext's own format; `multivac.tongue` reads them."""
