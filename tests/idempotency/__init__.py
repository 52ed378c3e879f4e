"""Tests of stores of orders, and the rules that each of them keeps."""
