"""Operations of the catalogue, measured on every server version, beside what is said and declared of them."""
