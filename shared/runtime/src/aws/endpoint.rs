//! Service endpoints.

use anyhow::{Context, Result};
use reqwest::Url;

use crate::env;
use crate::settings::{
    AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_ENDPOINT_URL_SSM,
};

/// Returns the service's endpoint in the region, unless `AWS_ENDPOINT_URL_<SERVICE>` or `AWS_ENDPOINT_URL` is set:
/// the names that the SDKs use.
pub(super) fn endpoint(service: &str, region: &str) -> Result<Url> {
    let own = match service {
        "lambda" => Some(AWS_ENDPOINT_URL_LAMBDA),
        "secretsmanager" => Some(AWS_ENDPOINT_URL_SECRETS_MANAGER),
        "ssm" => Some(AWS_ENDPOINT_URL_SSM),
        _ => None,
    };
    for setting in own.into_iter().chain([AWS_ENDPOINT_URL]) {
        if let Some(text) = env::var(setting)? {
            return Url::parse(&text).with_context(|| format!("{}={text:?} is not a URL", setting.name));
        }
    }
    let text = public(service, region);
    Url::parse(&text).with_context(|| format!("AWS_REGION={region:?} is not a region"))
}

fn public(service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{service}.{region}.{suffix}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_in_the_regions_partition() {
        assert_eq!(public("ssm", "eu-central-1"), "https://ssm.eu-central-1.amazonaws.com/");
        assert_eq!(public("lambda", "cn-north-1"), "https://lambda.cn-north-1.amazonaws.com.cn/");
        assert_eq!(public("lambda", "us-gov-west-1"), "https://lambda.us-gov-west-1.amazonaws.com/");
    }
}
