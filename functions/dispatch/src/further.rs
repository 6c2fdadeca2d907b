//! Starts further dispatchers: the function invokes itself.

use futures_util::FutureExt;
use serde_json::json;
use sigpost_runtime::aws::Aws;

use crate::dispatcher::Further;

/// Invokes the function with this name to start another environment that delivers. The client is not cached, because this
/// is rare.
pub(crate) fn invoke_again(function_name: String) -> Further {
    Further::by(move || {
        let function_name = function_name.clone();
        async move { Aws::from_env()?.invoke(&function_name, &json!({ "sigpost": "drain" })).await }.boxed()
    })
}
