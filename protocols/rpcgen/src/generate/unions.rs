//! Unions: an enum with a variant for each arm.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Generator, doc, identifier, literal};
use crate::ast::Scalar;
use crate::layout;
use crate::model::{Arm, Base, Content, Field, Label, Type, Union};

impl Generator<'_> {
    pub(super) fn union_items(&self, one: &Type, union: &Union) -> Vec<TokenStream> {
        let name = identifier(&one.rust);
        let on = &union.discriminant.name;
        let about = doc(&format!("The union `{}`, which depends on `{on}`.", one.name));
        let derives = self.derives(one.facts);
        let arms = union.arms.iter().map(|arm| {
            let cases: Vec<String> =
                arm.labels.iter().map(|label| format!("`{}`", label.text)).collect();
            let about = doc(&format!("`{on}` is {}.", cases.join(" or ")));
            let kept = (arm.labels.len() > 1).then_some(&union.discriminant);
            self.variant(&arm.rust, &about, kept, arm.content.as_ref())
        });
        let default = union.default.as_ref().map(|content| {
            let about = doc(&format!("`{on}` is anything else."));
            self.variant("Default", &about, Some(&union.discriminant), content.as_ref())
        });
        let item = quote! {
            #about
            #derives
            pub enum #name {
                #(#arms,)*
                #default
            }
        };
        let encode = self.union_encode(one, union);
        let decode = self.union_decode(one, union);
        vec![item, self.xdr_impl(&name, &encode, &decode)]
    }

    fn variant(
        &self,
        name: &str,
        about: &TokenStream,
        kept: Option<&Field>,
        content: Option<&Field>,
    ) -> TokenStream {
        let name = identifier(name);
        let fields: Vec<TokenStream> = [kept, content]
            .into_iter()
            .flatten()
            .map(|field| {
                let name = identifier(&field.rust);
                let boxed = layout::is_boxed_arm(self.model, &field.content);
                let content = self.content(&field.content, boxed);
                let doc = self.about_field(field);
                quote!(#doc #name: #content)
            })
            .collect();
        match fields.is_empty() {
            true => quote!(#about #name),
            false => quote!(#about #name { #(#fields,)* }),
        }
    }

    /// A label as a value of the discriminant's type.
    fn label(&self, union: &Union, label: &Label) -> TokenStream {
        match &label.rust {
            None => literal(label.number),
            Some(word) if self.is_enum(union) => {
                let (name, value) = (self.selector(union), identifier(word));
                quote!(#name::#value)
            }
            Some(_) if label.number == 0 => quote!(false),
            Some(_) => quote!(true),
        }
    }

    /// Labels as a pattern.
    fn pattern(&self, union: &Union, labels: &[&Label]) -> TokenStream {
        let words: Vec<TokenStream> = match labels {
            [Label { rust: None, .. }, ..] => ranges(labels),
            _ => labels.iter().map(|label| self.label(union, label)).collect(),
        };
        quote!(#(#words)|*)
    }

    /// Whether `selector` is one of some labels.
    fn is_one_of(&self, union: &Union, labels: &[&Label]) -> TokenStream {
        match (self.selector_base(union), labels) {
            (Base::Scalar(Scalar::Bool), [Label { number: 0, .. }]) => quote!(!*selector),
            (Base::Scalar(Scalar::Bool), [_]) => quote!(*selector),
            _ => {
                let pattern = self.pattern(union, labels);
                quote!(matches!(selector, #pattern))
            }
        }
    }

    /// What the discriminant is, behind aliases.
    fn selector_base(&self, union: &Union) -> Base {
        match union.discriminant.content {
            Content::Plain(base) => self.model.behind_aliases(base),
            // The check let nothing else through.
            _ => Base::Scalar(Scalar::I32),
        }
    }

    fn selector(&self, union: &Union) -> TokenStream {
        self.base(&self.selector_base(union))
    }

    fn is_enum(&self, union: &Union) -> bool {
        matches!(self.selector_base(union), Base::Named(_))
    }

    fn union_encode(&self, one: &Type, union: &Union) -> TokenStream {
        let selector = self.selector(union);
        let (ok, err) = (self.std("Ok"), self.std("Err"));
        let number = match self.selector_base(union) {
            Base::Named(_) => quote!(i64::from(*selector as i32)),
            _ => quote!(i64::from(*selector)),
        };
        let xdr_name = &one.name;
        let wrong = quote!(return #err(xdr::EncodeError::OtherArm(#number, #xdr_name)));
        let encode = |content: Option<&Field>| match content {
            None => quote!(#ok(())),
            Some(field) => {
                let boxed = layout::is_boxed_arm(self.model, &field.content);
                let reference = if boxed { quote!(&**value) } else { quote!(value) };
                self.encode(&field.content, &quote!(value), &reference)
            }
        };
        let bind = |content: Option<&Field>| content.map(|field| binding(field, "value"));
        let kept = binding(&union.discriminant, "selector");
        let arms = union.arms.iter().map(|arm: &Arm| {
            let name = identifier(&arm.rust);
            let (bound, encoded) = (bind(arm.content.as_ref()), encode(arm.content.as_ref()));
            if let [only] = &arm.labels[..] {
                let only = self.label(union, only);
                let fields = bound.map(|bound| quote!({ #bound }));
                return quote!(Self::#name #fields => {
                    <#selector as xdr::Xdr>::encode(&#only, out)?;
                    #encoded
                });
            }
            // An arm that has all values can not be wrong.
            let check = (!union.complete || union.arms.len() > 1).then(|| {
                let labels: Vec<&Label> = arm.labels.iter().collect();
                let right = self.is_one_of(union, &labels);
                quote!(if !#right { #wrong; })
            });
            quote! {
                Self::#name { #kept, #bound } => {
                    #check
                    xdr::Xdr::encode(selector, out)?;
                    #encoded
                }
            }
        });
        let default = union.default.as_ref().map(|content| {
            let (bound, encoded) = (bind(content.as_ref()), encode(content.as_ref()));
            let labels = union.arms.iter().flat_map(|arm| &arm.labels);
            let right = self.is_one_of(union, &labels.collect::<Vec<_>>());
            quote! {
                Self::Default { #kept, #bound } => {
                    if #right { #wrong; }
                    xdr::Xdr::encode(selector, out)?;
                    #encoded
                }
            }
        });
        quote!(match self { #(#arms)* #default })
    }

    fn union_decode(&self, one: &Type, union: &Union) -> TokenStream {
        let selector = self.selector(union);
        let (ok, err) = (self.std("Ok"), self.std("Err"));
        // The content is decoded from `input`.
        let kept = match union.discriminant.rust.as_str() {
            "input" => identifier("selector"),
            other => identifier(other),
        };
        let keep = match union.discriminant.rust.as_str() {
            "input" => quote!(input: selector),
            _ => quote!(#kept),
        };
        let content = |field: Option<&Field>| {
            field.map(|field| {
                let name = identifier(&field.rust);
                let boxed = layout::is_boxed_arm(self.model, &field.content);
                let decode = self.decode(&field.content, boxed);
                quote!(#name: #decode,)
            })
        };
        let arms = union.arms.iter().map(|arm| {
            let name = identifier(&arm.rust);
            let pattern = self.pattern(union, &arm.labels.iter().collect::<Vec<_>>());
            let content = content(arm.content.as_ref());
            match (arm.labels.len(), content) {
                (1, None) => quote!(#pattern => #ok(Self::#name)),
                (1, content) => quote!(#pattern => #ok(Self::#name { #content })),
                (_, content) => {
                    quote!(#kept @ (#pattern) => #ok(Self::#name { #keep, #content }))
                }
            }
        });
        let xdr_name = &one.name;
        let others = match &union.default {
            Some(default) => {
                let content = content(default.as_ref());
                Some(quote!(#kept => #ok(Self::Default { #keep, #content })))
            }
            None if union.complete => None,
            None => {
                let number = if self.is_enum(union) {
                    quote!((other as i32).into())
                } else {
                    quote!(other.into())
                };
                Some(quote!(other => #err(xdr::DecodeError::Unknown(#number, #xdr_name))))
            }
        };
        quote! {
            match <#selector as xdr::Xdr>::decode(input)? {
                #(#arms,)*
                #others
            }
        }
    }
}

/// A field in a pattern, bound to `name`.
fn binding(field: &Field, name: &str) -> TokenStream {
    let (field, name) = (identifier(&field.rust), identifier(name));
    if field == name { quote!(#name) } else { quote!(#field: #name) }
}

/// Numbers in ascending order, with those that follow one another as ranges.
fn ranges(labels: &[&Label]) -> Vec<TokenStream> {
    let mut numbers: Vec<i64> = labels.iter().map(|label| label.number).collect();
    numbers.sort_unstable();
    let mut patterns = Vec::new();
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [first, .., last] if run.len() > 2 => {
                let (first, last) = (literal(*first), literal(*last));
                patterns.push(quote!(#first..=#last));
            }
            few => patterns.extend(few.iter().map(|number| literal(*number))),
        }
    }
    patterns
}
