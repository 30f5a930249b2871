"""What Multivac remembers: tables, transactions, and the only SQL about incidents.

Every function takes the open connection first, so that whoever calls decides what belongs to one
transaction. Nothing here calls the outside.
"""
