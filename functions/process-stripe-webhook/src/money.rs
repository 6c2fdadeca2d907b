//! Amounts as Stripe has them.

/// Currencies whose smallest unit is the currency: <https://docs.stripe.com/currencies#zero-decimal>.
const WITHOUT_DECIMALS: [&str; 16] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"];
/// Those with a thousand smallest units.
const WITH_THREE: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// An amount in the currency's smallest unit, as people write it, without the currency.
pub(crate) fn formatted(amount: i64, currency: Option<&str>) -> String {
    let currency = currency.unwrap_or_default().to_ascii_lowercase();
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    match currency.as_str() {
        none if WITHOUT_DECIMALS.contains(&none) => format!("{sign}{amount}"),
        three if WITH_THREE.contains(&three) => format!("{sign}{}.{:03}", amount / 1000, amount % 1000),
        _ => format!("{sign}{}.{:02}", amount / 100, amount % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn amount_has_as_many_decimals_as_its_currency() {
        assert_eq!(formatted(2900, Some("usd")), "29.00");
        assert_eq!(formatted(5, None), "0.05");
        assert_eq!(formatted(-150, Some("EUR")), "-1.50");
        assert_eq!(formatted(500, Some("jpy")), "500");
        assert_eq!(formatted(1500, Some("kwd")), "1.500");
    }
}
