"""Run by Python, as `loop test` does: python3 -m unittest"""

import unittest

from greeting import greeting


class Greeting(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(greeting("Ada"), "Hello, Ada!")
