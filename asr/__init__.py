"""What did the caller say, and what is the answer?"""
