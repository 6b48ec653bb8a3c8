"""Products with their stock, and sellers with their sales, as operators see them."""

from __future__ import annotations

from onpaid.app.shown_delivery import Box, ProductList, ProductShown, SellerList, SellerShown
from onpaid.domain.decimals import plain
from onpaid.domain.money import Money
from onpaid.domain.products import Product, Seller
from onpaid.repositories.catalogue import Catalogue


async def product_list(catalogue: Catalogue, after: str | None, limit: int) -> ProductList:
    """One page of products, by id."""
    page = await catalogue.listed(after=after, limit=limit)
    items = [product_shown(product, await catalogue.left(product.id)) for product in page.items]
    return ProductList(items, page.cursor)


async def seller_list(catalogue: Catalogue, after: str | None, limit: int) -> SellerList:
    """One page of sellers, by id."""
    page = await catalogue.sellers(after=after, limit=limit)
    return SellerList([seller_shown(seller) for seller in page.items], page.cursor)


def product_shown(product: Product, left: int) -> ProductShown:
    """One product, and how many of it are left."""
    packed = product.packed
    return ProductShown(
        id=product.id,
        name=product.name,
        price=product.price,
        tax_percent=plain(product.tax_percent),
        sku=product.code,
        hsn=product.hsn,
        seller=product.seller,
        digital=product.digital,
        active=product.active,
        packed=None
        if packed is None
        else Box(plain(packed.length), plain(packed.breadth), plain(packed.height), plain(packed.weight)),
        left=left,
    )


def seller_shown(seller: Seller) -> SellerShown:
    """One seller, and what was sold."""
    sales = [Money(minor, currency) for currency, minor in sorted(seller.sales.items())]
    return SellerShown(seller.id, seller.name, seller.units, sales)
