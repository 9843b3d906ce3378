"""Local servers that stand in for the vendors' APIs.

They are built from the vendors' own documents and never from what a tap happens to send, and they
refuse what the vendor might let pass: a tap that satisfies the sandbox asks for nothing that the
vendor does not promise.
"""
