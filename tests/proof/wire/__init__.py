"""Creates over connections that break at any byte."""
