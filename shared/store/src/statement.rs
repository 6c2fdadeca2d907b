//! Statements written as SQL with typed binds.
//!
//! `diesel::sql_query` prepares its text anew on every call (two round trips, each time). A type of
//! its own with a `QueryId` is prepared once per connection and then costs one round trip. The macro
//! makes such a type from the SQL text: `{name}` in braces stands where that bind goes, and each
//! bind goes to one place; `[NAME]` in brackets stands for a constant text that statements share.

/// Declares a statement: a struct with one field per bind (and `lifetime: PhantomData`), whose rows
/// have the given SQL types.
macro_rules! statement {
    ($(#[$meta:meta])* $name:ident $binds:tt -> $row:ty; $($piece:tt)+) => {
        statement!(@struct [$(#[$meta])*] $name $binds);

        impl ::diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl ::diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        }

        impl ::diesel::query_builder::QueryFragment<::diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: ::diesel::query_builder::AstPass<'_, 'b, ::diesel::pg::Pg>,
            ) -> ::diesel::QueryResult<()> {
                $(statement!(@piece self, out, $binds, $piece);)+
                Ok(())
            }
        }
    };
    (@struct [$(#[$meta:meta])*] $name:ident { $($field:ident: $rust:ty => $sql:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug)]
        struct $name<'a> {
            $($field: $rust,)*
            lifetime: ::std::marker::PhantomData<&'a ()>,
        }
    };
    (@piece $self:ident, $out:ident, $binds:tt, $text:literal) => {
        $out.push_sql($text);
    };
    (@piece $self:ident, $out:ident, $binds:tt, [$shared:ident]) => {
        $out.push_sql($shared);
    };
    (@piece $self:ident, $out:ident, $binds:tt, {$bind:ident}) => {
        statement!(@bind $self, $out, $bind, $binds);
    };
    // The type of a bind stands with its field: of all fields, the one with the bind's name is pushed.
    (@bind $self:ident, $out:ident, $bind:ident, { $($field:ident: $rust:ty => $sql:ty),* $(,)? }) => {
        $(
            if stringify!($field) == stringify!($bind) {
                $out.push_bind_param::<$sql, _>(&$self.$field)?;
            }
        )*
    };
}
