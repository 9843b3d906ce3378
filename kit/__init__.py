"""What a tap on a rate-limited REST API needs and the Singer SDK does not give.

It knows no API and no tap; both taps hold it by a link.
"""
