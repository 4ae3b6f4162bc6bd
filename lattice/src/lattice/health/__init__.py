"""Operations: is the service well, which version is it, what has it done."""
