"""The core of Multivac: it knows incidents and knows no vendor."""
