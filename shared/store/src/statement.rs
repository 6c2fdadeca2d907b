//! Statements written as SQL with typed binds.
//!
//! `diesel::sql_query` prepares its text on every call (two round trips each). A type with a `QueryId` is prepared
//! once per connection and then costs one round trip. The macro creates such a type from the SQL text: `{name}` in
//! braces is the place of that bind, and each bind has one place; `[NAME]` in brackets is a constant text that
//! statements share.
//!
//! A statement of more than ten lines is a file beside its module: `file "claim.sql"`. There `$name` is the place of
//! that bind; a bind with two places is sent twice.

/// A part of a statement's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// SQL.
    Text(&'static str),
    /// The place of the bind with this name.
    Bind(&'static str),
}

/// Splits a statement's file into pieces, without comments.
pub(crate) fn pieces(sql: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for line in sql.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("--")) {
        let mut rest = line;
        while let Some(at) = rest.find('$') {
            let name = &rest[at + 1..];
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            pieces.extend([Piece::Text(&rest[..at]), Piece::Bind(&name[..end])]);
            rest = &name[end..];
        }
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Declares a statement: a struct with one field per bind (and `lifetime: PhantomData`), whose rows
/// have the given SQL types.
macro_rules! statement {
    ($(#[$meta:meta])* $name:ident $binds:tt -> $row:ty; file $file:literal) => {
        statement!(@struct [$(#[$meta])*] $name $binds);
        statement!(@query $name $row);

        impl ::diesel::query_builder::QueryFragment<::diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: ::diesel::query_builder::AstPass<'_, 'b, ::diesel::pg::Pg>,
            ) -> ::diesel::QueryResult<()> {
                static PIECES: ::std::sync::LazyLock<Vec<$crate::statement::Piece>> =
                    ::std::sync::LazyLock::new(|| $crate::statement::pieces(include_str!($file)));
                for piece in PIECES.iter() {
                    match piece {
                        $crate::statement::Piece::Text(text) => out.push_sql(text),
                        $crate::statement::Piece::Bind(name) => statement!(@named self, out, *name, $binds),
                    }
                }
                Ok(())
            }
        }
    };
    ($(#[$meta:meta])* $name:ident $binds:tt -> $row:ty; $($piece:tt)+) => {
        statement!(@struct [$(#[$meta])*] $name $binds);
        statement!(@query $name $row);

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
    (@query $name:ident $row:ty) => {
        impl ::diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl ::diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        }
    };
    (@named $self:ident, $out:ident, $bound:expr, { $($field:ident: $rust:ty => $sql:ty),* $(,)? }) => {
        match $bound {
            $(stringify!($field) => $out.push_bind_param::<$sql, _>(&$self.$field)?,)*
            unknown => unreachable!("a statement has no bind {unknown}"),
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
    // The type of a bind is declared with its field: of all fields, the one with the bind's name is bound.
    (@bind $self:ident, $out:ident, $bind:ident, { $($field:ident: $rust:ty => $sql:ty),* $(,)? }) => {
        $(
            if stringify!($field) == stringify!($bind) {
                $out.push_bind_param::<$sql, _>(&$self.$field)?;
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn file_is_taken_apart_at_its_binds() {
        let found = pieces("-- for $unused\nselect $a,$b_2\n  -- why\nfrom c");
        let expected =
            [Piece::Text("select "), Piece::Bind("a"), Piece::Text(","), Piece::Bind("b_2"), Piece::Text("\n")];
        assert_eq!(found, [&expected[..], &[Piece::Text("from c")]].concat());
    }
}
