//! Amounts in Stripe's representation: whole numbers of the currency's minor unit.
//!
//! Source: <https://docs.stripe.com/currencies>, "Zero-decimal currencies", "Three-decimal currencies"
//! and "Special cases".

use sigpost_jobs::payloads::process_stripe_webhook::Amount;

/// Numbers of decimals of currencies that do not have two.
const DECIMALS: [(&str, u32); 20] = [
    // Zero-decimal.
    ("bif", 0),
    ("clp", 0),
    ("djf", 0),
    ("gnf", 0),
    ("jpy", 0),
    ("kmf", 0),
    ("krw", 0),
    ("mga", 0),
    ("pyg", 0),
    ("rwf", 0),
    ("vnd", 0),
    ("vuv", 0),
    ("xaf", 0),
    ("xof", 0),
    ("xpf", 0),
    // Three-decimal.
    ("bhd", 3),
    ("jod", 3),
    ("kwd", 3),
    ("omr", 3),
    ("tnd", 3),
];

/// Currencies without decimals that have two in Stripe's API, always 00. HUF and TWD are not included: only their
/// payouts are whole, and no supported event concerns payouts.
const ALWAYS_WHOLE: [&str; 2] = ["isk", "ugx"];

/// Returns an amount in major units, without the currency.
pub(crate) fn formatted(amount: &Amount) -> String {
    let Amount { minor: amount, currency } = amount;
    let currency = currency.as_deref().unwrap_or_default().to_ascii_lowercase();
    let decimals = DECIMALS.iter().find(|(code, _)| *code == currency).map_or(2, |(_, decimals)| *decimals);
    let (sign, amount) = (if *amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let unit = 10_u64.pow(decimals);
    let (whole, rest) = (amount / unit, amount % unit);
    if decimals == 0 || rest == 0 && ALWAYS_WHOLE.contains(&currency.as_str()) {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{rest:0width$}", width = decimals as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_decimals() {
        for (currency, amount, expected) in [
            // Two decimals, which is what most have.
            ("usd", 2900, "29.00"),
            ("EUR", -150, "-1.50"),
            ("gbp", 5, "0.05"),
            ("cny", i64::MIN, "-92233720368547758.08"),
            ("", 5, "0.05"),
            // Zero-decimal.
            ("bif", 500, "500"),
            ("clp", 500, "500"),
            ("djf", 500, "500"),
            ("gnf", 500, "500"),
            ("jpy", 500, "500"),
            ("JPY", -500, "-500"),
            ("kmf", 500, "500"),
            ("krw", 500, "500"),
            ("mga", 500, "500"),
            ("pyg", 500, "500"),
            ("rwf", 500, "500"),
            ("vnd", 500, "500"),
            ("vuv", 500, "500"),
            ("xaf", 500, "500"),
            ("xof", 500, "500"),
            ("xpf", 500, "500"),
            // Three-decimal.
            ("bhd", 5120, "5.120"),
            ("jod", 5120, "5.120"),
            ("kwd", 5120, "5.120"),
            ("omr", 5120, "5.120"),
            ("tnd", 10, "0.010"),
            // Special cases: two decimals in the API that are always 00.
            ("isk", 500, "5"),
            ("ugx", 500, "5"),
            ("UGX", -1_000_000, "-10000"),
            ("ugx", 0, "0"),
            // An amount that should not exist is shown as it is, not rounded.
            ("ugx", 550, "5.50"),
            // Special cases of payouts only.
            ("huf", 1045, "10.45"),
            ("twd", 80_000, "800.00"),
        ] {
            assert_eq!(
                formatted(&Amount { minor: amount, currency: Some(currency.into()) }),
                expected,
                "{currency} {amount}"
            );
        }
        assert_eq!(formatted(&Amount { minor: 5, currency: None }), "0.05");
    }
}
