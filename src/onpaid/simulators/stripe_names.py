"""The parameters that Stripe's calls about sales know, by the call, as words; those of paging and `expand` apart.

They are what a call is held against where no schema document is at hand. With one, these are not looked at, but for
the calls that the document does not have.
"""

from typing import Final

SALES_LISTS: Final = {
    "GET /v1/webhook_endpoints": "",
    "GET /v1/products": "active ids shippable type url",
    "GET /v1/prices": "active currency lookup_keys product recurring type",
    "GET /v1/checkout/sessions": "customer customer_account customer_details payment_intent payment_link status "
    "subscription",
    "GET /v1/subscriptions": "automatic_tax collection_method current_period_end current_period_start customer "
    "customer_account plan price status test_clock",
    "GET /v1/invoices": "collection_method customer customer_account due_date status subscription",
    "GET /v1/invoice_payments": "invoice payment status",
    "GET /v1/disputes": "charge payment_intent",
}
SALES_CALLS: Final = {
    "GET /v1/checkout/sessions/{session}/line_items": "limit starting_after ending_before",
    "GET /v1/invoices/{invoice}/lines": "limit starting_after ending_before",
    "POST /v1/products": "active default_price_data description id images marketing_features metadata name "
    "package_dimensions shippable statement_descriptor tax_code tax_details type unit_label url",
    "POST /v1/products/{id}": "active default_price description images marketing_features metadata name "
    "package_dimensions shippable statement_descriptor tax_code tax_details unit_label url",
    "POST /v1/prices": "active billing_scheme currency currency_options custom_unit_amount lookup_key metadata "
    "nickname product product_data recurring tax_behavior tiers tiers_mode transfer_lookup_key transform_quantity "
    "unit_amount unit_amount_decimal",
    "POST /v1/prices/{price}": "active currency_options lookup_key metadata nickname tax_behavior "
    "transfer_lookup_key",
    "POST /v1/checkout/sessions": "adaptive_pricing after_expiration allow_promotion_codes "
    "allowed_payment_method_types automatic_tax billing_address_collection branding_settings cancel_url "
    "client_reference_id consent_collection currency custom_fields custom_text customer customer_account "
    "customer_creation customer_email customer_update discounts excluded_payment_method_types expires_at "
    "integration_identifier invoice_creation line_items locale managed_payments metadata mode name_collection "
    "optional_items origin_context payment_intent_data payment_method_collection payment_method_configuration "
    "payment_method_data payment_method_options permissions phone_number_collection redirect_on_completion "
    "return_url saved_payment_method_options setup_intent_data shipping_address_collection shipping_options "
    "submit_type subscription_data success_url tax_id_collection ui_mode wallet_options",
    "POST /v1/checkout/sessions/{session}/expire": "",
    "POST /v1/subscriptions/{subscription}": "cancel_at cancel_at_period_end cancellation_details "
    "collection_method default_payment_method description items metadata pause_collection payment_behavior "
    "proration_behavior trial_end",
    "DELETE /v1/subscriptions/{subscription}": "cancellation_details invoice_now prorate",
}
