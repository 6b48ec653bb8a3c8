"""What the Indian shop sells: made-up sports goods of four sellers, two of them digital.

Prices are paise with GST in them. Sizes are centimetres and kilograms as text, so that nothing is lost on the way;
`stock` is what lies on the shelf when the day begins.
"""

from typing import Any, Final

Product = dict[str, Any]


def _goods(ident: str, name: str, price: int, seller: str, stock: int, **more: Any) -> Product:
    """A physical product, unless `more` says otherwise."""
    return {
        "id": ident,
        "name": name,
        "price": price,
        "sku": more.pop("sku", ident.upper()),
        "hsn": "9506",
        "tax_percent": "12",
        "weight": "0.5",
        "dims": ("30", "20", "5"),
        "seller": seller,
        "stock": stock,
        "digital": False,
        **more,
    }


def _digital(ident: str, name: str, price: int, seller: str) -> Product:
    """Something that is sent by e-mail: no size, no weight, and more than anybody buys."""
    nothing: Product = {"hsn": "998439", "tax_percent": "18", "weight": "", "dims": (), "digital": True}
    return _goods(ident, name, price, seller, 1_000_000, **nothing)


PRODUCTS: Final[tuple[Product, ...]] = (
    _goods("racket-garuda", "Garuda table tennis racket", 245_000, "smash", 100_000, weight="0.35"),
    _goods("racket-mayura", "Mayura junior racket", 89_900, "smash", 100_000, weight="0.3"),
    _goods(
        "balls-tara", "Tara balls, box of 12", 54_950, "smash", 100_000, dims=("20", "15", "5"), weight="0.12"
    ),
    _goods("net-setu", "Setu clip-on net", 129_900, "smash", 100_000, dims=("40", "18", "8"), weight="0.8"),
    _goods("shuttles-pankh", "Pankh feather shuttles, tube of 10", 119_900, "court", 100_000, weight="0.2"),
    _goods(
        "racket-vayu",
        "Vayu badminton racket",
        349_000,
        "court",
        100_000,
        dims=("68", "22", "4"),
        weight="0.4",
    ),
    _goods(
        "shoes-vega", "Vega court shoes, 42", 399_900, "court", 100_000, hsn="6404", dims=("34", "22", "13")
    ),
    _goods(
        "bat-sindhu",
        "Sindhu willow cricket bat",
        749_900,
        "pitch",
        100_000,
        dims=("90", "14", "9"),
        weight="1.4",
    ),
    _goods(
        "ball-agni", "Agni cricket ball, red", 64_900, "pitch", 100_000, dims=("9", "9", "9"), weight="0.17"
    ),
    _goods("mat-shanti", "Shanti yoga mat", 149_900, "asana", 12, dims=("62", "14", "14"), weight="1.1"),
    _digital("course-spin", "Course: spin and serve (video)", 199_900, "smash"),
    _digital("plan-yoga", "Yoga plan, four weeks (PDF)", 49_900, "asana"),
)
