"""Money and units as words."""

from __future__ import annotations

import pytest

from wavenet.speech import normal

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    "text, words",
    [
        ("$5.20", "five dollars and twenty cents"),
        ("$1", "one dollar"),
        ("$1.01", "one dollar and one cent"),
        ("$0.99", "ninety nine cents"),
        ("$0", "zero dollars"),
        ("£2.50 £0.01", "two pounds and fifty pence one penny"),
        ("€3", "three euros"),
        ("£1m", "one million pounds"),
        ("$5.2 million", "five point two million dollars"),
        ("$5bn $7k", "five billion dollars seven thousand dollars"),
        ("US$5", "five u. s. dollars"),
        ("$1,234.56", "one thousand two hundred and thirty four dollars and fifty six cents"),
        ("$5.255", "five point two five five dollars"),
        ("-$5", "minus five dollars"),
        ("20 € 5€", "twenty euros five euros"),
        ("50¢", "fifty cents"),
        ("¥100 ₹20", "one hundred yen twenty rupees"),
        ("$3k-$5k £5\u2013£10", "three thousand dollars to five thousand dollars five pounds to ten pounds"),
        ("$10-20", "ten dollars to twenty"),
        ("$ and €", "dollar and euro"),
    ],
)
def test_money(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("5 km", "five kilometers"),
        ("1 km", "one kilometer"),
        ("80kg", "eighty kilograms"),
        ("1.5 m", "one point five meters"),
        ("60 mph", "sixty miles per hour"),
        ("12.5 km/h", "twelve point five kilometers per hour"),
        ("-5 °C", "minus five degrees celsius"),
        ("98.6°F", "ninety eight point six degrees fahrenheit"),
        ("45°", "forty five degrees"),
        ("50% 0.5 %", "fifty percent zero point five percent"),
        ("5 km² 100m²", "five square kilometers one hundred square meters"),
        ("44.1 kHz", "forty four point one kilohertz"),
        ("16 GB", "sixteen gigabytes"),
        ("5 µm", "five micrometers"),
        ("1984 km", "one thousand nine hundred and eighty four kilometers"),
        ("5-10 km", "five to ten kilometers"),
        ("5 lb. of it", "five pounds of it"),
        ("5-km", "five kilometers"),
        ("5'10\"", "five feet ten"),
        ("3½ miles", "three and a half miles"),
        ("1 1/4 and 2-2/3 cups", "one and a quarter and two and two thirds cups"),
        ("3/4 km", "three quarters kilometer"),
        ("1/2", "one half"),
        ("5 meters", "five meters"),
        ("5 makes", "five makes"),
        ("a 2 A", "a two a."),
    ],
)
def test_measures(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]
