//! Further dispatchers: the function invokes itself.

use futures_util::FutureExt;
use serde_json::json;
use sigpost_runtime::aws::Aws;

use crate::engine::Further;

/// Has the function with this name start another environment, which drains. Asked for seldom, so
/// that nothing is kept for it.
pub(crate) fn invoke_again(function_name: String) -> Further {
    Further::by(move || {
        let function_name = function_name.clone();
        async move { Aws::from_env()?.invoke(&function_name, &json!({ "sigpost": "drain" })).await }.boxed()
    })
}
