//! Enums, structs and typedefs.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Generator, doc, identifier, literal};
use crate::layout;
use crate::model::{Alias, Base, Content, Facts, Field, Kind, Type, Value};

impl Generator<'_> {
    pub(super) fn type_items(&self, one: &Type) -> Vec<TokenStream> {
        match &one.kind {
            Kind::Enum { values, aliases } => self.enum_items(one, values, aliases),
            Kind::Struct(fields) => self.struct_items(one, fields),
            Kind::Union(union) => self.union_items(one, union),
            Kind::Newtype(content) => self.newtype_items(one, content),
            Kind::Alias(base) => vec![self.alias(one, base)],
        }
    }

    /// What can be derived beside `Clone`, `Debug` and `PartialEq`.
    pub(super) fn derives(&self, facts: Facts) -> TokenStream {
        let eq = (!facts.float).then(|| quote!(, Eq));
        let default = facts.default.then(|| quote!(, Default));
        quote!(#[derive(Clone, Debug, PartialEq #eq #default)])
    }

    fn alias(&self, one: &Type, base: &Base) -> TokenStream {
        let (name, base) = (identifier(&one.rust), self.base(base));
        let doc = doc(&format!("The type `{}`.", one.name));
        quote!(#doc pub type #name = #base;)
    }

    fn enum_items(&self, one: &Type, values: &[Value], aliases: &[Alias]) -> Vec<TokenStream> {
        let name = identifier(&one.rust);
        let about = doc(&format!("The enum `{}`.", one.name));
        let variants = values.iter().map(|value| {
            let (variant, number) = (identifier(&value.rust), literal(value.number));
            let doc = doc(&format!("`{}`", value.name));
            let default = (value.number == 0).then(|| quote!(#[default]));
            quote!(#doc #default #variant = #number)
        });
        let default = one.facts.default.then(|| quote!(, Default));
        // Values of one enum often share a prefix: C has one space for all names.
        let names = (values.len() > 2).then(|| quote!(#[allow(clippy::enum_variant_names)]));
        let mut items = vec![quote! {
            #about
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash #default)]
            #names
            pub enum #name {
                #(#variants,)*
            }
        }];
        if !aliases.is_empty() {
            let consts = aliases.iter().map(|alias| {
                let (constant, of) = (identifier(&alias.rust), identifier(&alias.of));
                let doc = doc(&format!("`{}`, which has the same number.", alias.name));
                quote!(#doc pub const #constant: Self = Self::#of;)
            });
            items.push(quote!(impl #name { #(#consts)* }));
        }
        let (ok, err) = (self.std("Ok"), self.std("Err"));
        let arms = values.iter().map(|value| {
            let (variant, number) = (identifier(&value.rust), literal(value.number));
            quote!(#number => #ok(Self::#variant))
        });
        let xdr_name = &one.name;
        let decode = quote! {
            match <i32 as xdr::Xdr>::decode(input)? {
                #(#arms,)*
                other => #err(xdr::DecodeError::Unknown(other.into(), #xdr_name)),
            }
        };
        let encode = quote!(xdr::Xdr::encode(&(*self as i32), out));
        items.push(self.xdr_impl(&name, &encode, &decode));
        items
    }

    fn struct_items(&self, one: &Type, fields: &[Field]) -> Vec<TokenStream> {
        let name = identifier(&one.rust);
        let about = doc(&format!("The struct `{}`.", one.name));
        let derives = self.derives(one.facts);
        let boxed = |field: &Field| layout::is_boxed_field(self.model, &field.content);
        let declared = fields.iter().map(|field| {
            let name = identifier(&field.rust);
            let content = self.content(&field.content, boxed(field));
            let doc = self.about_field(field);
            quote!(#doc pub #name: #content)
        });
        let item = quote! {
            #about
            #derives
            pub struct #name {
                #(#declared,)*
            }
        };
        let encoded: Vec<TokenStream> = fields
            .iter()
            .map(|field| {
                let name = identifier(&field.rust);
                let reference =
                    if boxed(field) { quote!(&*self.#name) } else { quote!(&self.#name) };
                self.encode(&field.content, &quote!(self.#name), &reference)
            })
            .collect();
        let encode = match encoded.split_last() {
            Some((last, before)) => quote!(#(#before?;)* #last),
            None => TokenStream::new(),
        };
        let decoded = fields.iter().map(|field| {
            let name = identifier(&field.rust);
            let decode = self.decode(&field.content, boxed(field));
            quote!(#name: #decode)
        });
        let ok = self.std("Ok");
        let decode = quote!(#ok(Self { #(#decoded,)* }));
        vec![item, self.xdr_impl(&name, &encode, &decode)]
    }

    fn newtype_items(&self, one: &Type, content: &Content) -> Vec<TokenStream> {
        let name = identifier(&one.rust);
        let bounds = describe_bound(content);
        let about = doc(&format!("The type `{}`{bounds}.", one.name));
        let derives = self.derives(one.facts);
        let inner = self.content(content, false);
        let (from, ok) = (self.std("From"), self.std("Ok"));
        let encode = self.encode(content, &quote!(self.0), &quote!(&self.0));
        let decode = self.decode(content, false);
        let mut items = vec![
            quote!(#about #derives pub struct #name(#[doc = " What it holds."] pub #inner);),
            self.xdr_impl(&name, &encode, &quote!(#ok(Self(#decode)))),
            quote! {
                impl #from<#inner> for #name {
                    fn from(inner: #inner) -> Self {
                        Self(inner)
                    }
                }
            },
            quote! {
                impl #from<#name> for #inner {
                    fn from(outer: #name) -> Self {
                        outer.0
                    }
                }
            },
        ];
        if matches!(content, Content::Text(_)) {
            items.push(quote! {
                impl #from<&str> for #name {
                    fn from(text: &str) -> Self {
                        Self(text.into())
                    }
                }
            });
        }
        items
    }

    pub(super) fn about_field(&self, field: &Field) -> TokenStream {
        doc(&format!("`{}`{}.", field.name, describe_bound(&field.content)))
    }
}

/// What Rust's type does not say about a bound.
fn describe_bound(content: &Content) -> String {
    let (max, unit) = match content {
        Content::Opaque(Some(max)) | Content::Text(Some(max)) => (max, "byte"),
        Content::Array(_, Some(max)) => (max, "element"),
        _ => return String::new(),
    };
    format!(": at most {max} {unit}{}", if *max == 1 { "" } else { "s" })
}
