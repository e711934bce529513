"""Operations of the catalogue, measured on every server version: the tool's declarations and the claims beside them."""
