"""The books counted a second time, the plain way: by the words of the rules, from events alone.

Nothing here calls the code that counts and rates every day; where the two differ, one is wrong.
"""
