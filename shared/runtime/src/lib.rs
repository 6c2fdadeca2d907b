//! The parts of a sigpost process that know neither messages nor Postgres: configuration from the environment,
//! telemetry, serving a router in Lambda or on a socket, the outgoing HTTP client with its address policy, calls to
//! AWS, metrics, and the error type of the APIs.

pub mod address_policy;
pub mod allocator;
pub mod api_error;
pub mod aws;
pub mod bearer;
pub mod caller;
pub mod causes;
mod descriptors;
pub mod env;
pub mod host_override;
mod host_pattern;
pub mod key_ring;
pub mod log_limit;
pub mod memory;
pub mod metrics;
pub mod outage;
pub mod outgoing;
pub mod references;
pub mod request_id;
pub mod serve;
pub mod settings;
pub mod start;
pub mod telemetry;
pub mod traces;

pub use address_policy::AddressPolicy;
pub use api_error::ApiError;
pub use aws::{Aws, PushSigner};
pub use bearer::bearer;
pub use caller::{CallerAddress, is_signed_for_aws};
pub use host_override::HostOverride;
pub use key_ring::KeyRing;
pub use log_limit::LogLimit;
pub use memory::Memory;
pub use request_id::RequestId;
pub use settings::Reading;
pub use start::start;
