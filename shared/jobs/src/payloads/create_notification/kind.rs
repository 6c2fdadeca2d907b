//! Notification kinds.

use serde::{Deserialize, Serialize};

/// Defines an enum with a text per variant, for JSON and the database.
macro_rules! texts {
    ($(#[$meta:meta])* $name:ident { $($(#[$attribute:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] #[serde(rename = $text)] $(#[$attribute])* $variant,)+
        }

        impl $name {
            /// Returns the text in JSON and in the database.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}
pub(super) use texts;

texts! {
    /// Category of a notification.
    Category {
        System = "system",
        Security = "security",
        Billing = "billing",
        Team = "team",
        Activity = "activity",
        Product = "product",
    }
}

texts! {
    /// Kind of a notification.
    Kind {
        SystemMaintenance = "system.maintenance",
        SystemUpdate = "system.update",
        SecurityPasswordChanged = "security.password_changed",
        SecurityLoginNewDevice = "security.login_new_device",
        SecurityTwoFactorEnabled = "security.two_factor_enabled",
        BillingPaymentSuccess = "billing.payment_success",
        BillingPaymentFailed = "billing.payment_failed",
        BillingSubscriptionCreated = "billing.subscription_created",
        BillingSubscriptionCanceled = "billing.subscription_canceled",
        BillingTrialEnding = "billing.trial_ending",
        TeamInvitationReceived = "team.invitation_received",
        TeamInvitationAccepted = "team.invitation_accepted",
        TeamMemberAdded = "team.member_added",
        TeamMemberRemoved = "team.member_removed",
        TeamRoleChanged = "team.role_changed",
        ActivityCommentMention = "activity.comment_mention",
        ActivityTaskAssigned = "activity.task_assigned",
        ProductFeatureReleased = "product.feature_released",
        ProductAnnouncement = "product.announcement",
    }
}

impl Kind {
    /// Returns the category: the part before the dot.
    pub fn category(self) -> Category {
        match self.as_str().split('.').next() {
            Some("security") => Category::Security,
            Some("billing") => Category::Billing,
            Some("team") => Category::Team,
            Some("activity") => Category::Activity,
            Some("product") => Category::Product,
            _ => Category::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn category_is_what_stands_before_the_dot() {
        for (text, category) in [
            ("system.update", Category::System),
            ("security.two_factor_enabled", Category::Security),
            ("billing.payment_failed", Category::Billing),
            ("team.role_changed", Category::Team),
            ("activity.task_assigned", Category::Activity),
            ("product.announcement", Category::Product),
        ] {
            let kind: Kind = from_value(json!(text)).expect("a kind");
            assert_eq!((kind.as_str(), kind.category()), (text, category));
        }
    }
}
