"""What a tap on a rate-limited REST API needs and the Singer SDK does not give.

The kit knows no API and no tap. Both taps hold this one folder by a link, as `tap_clari.kit` and
`tap_gladly.kit`, and their packages hold the files themselves. So imports in here are relative.
"""
