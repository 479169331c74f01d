"""The platform team's room: the hub stack, the portfolio and its product, their versions, and the approver's verbs.

Run as `python -m catalog <verb>` from the repository's root. A publish is a pipeline of small stages: `sources`
reads the wanted state from files, `observe` looks at the account (describe and list calls only), `plan` compares the
two into a tuple of frozen instructions, which `apply` performs one by one or `display` only prints.
"""
