//! Clients, traits and servers.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{Generator, doc, hexadecimal, identifier, literal};
use crate::model::{Base, Procedure, Program, Version};
use crate::names;

impl Generator<'_> {
    /// The numbers of a program and its versions.
    pub(super) fn numbers(&self, program: &Program) -> Vec<TokenStream> {
        let (name, number) = (identifier(&program.rust), hexadecimal(program.number));
        let about = doc(&format!("The number of the program `{}`.", program.name));
        let mut items = vec![quote!(#about pub const #name: u32 = #number;)];
        for version in &program.versions {
            let (name, number) = (identifier(&version.constant), literal(version.number));
            let text =
                format!("The number of `{}`, a version of `{}`.", version.name, program.name);
            let about = doc(&text);
            items.push(quote!(#about pub const #name: u32 = #number;));
        }
        items
    }

    pub(super) fn version_items(&self, program: &Program, version: &Version) -> Vec<TokenStream> {
        let server = self.server_items(program, version);
        [self.client_items(program, version), server].concat()
    }

    fn client_items(&self, program: &Program, version: &Version) -> Vec<TokenStream> {
        let name = format_ident!("{}Client", identifier(&version.rust));
        let text =
            format!("Calls `{}`, version {} of `{}`.", version.name, version.number, program.name);
        let about = doc(&text);
        let (program_number, version_number) =
            (identifier(&program.rust), identifier(&version.constant));
        let constants = version.procedures.iter().map(|procedure| {
            let (constant, number) = (identifier(&procedure.constant), literal(procedure.number));
            let about = doc(&format!("The procedure `{}`.", procedure.name));
            quote! {
                #about
                pub const #constant: rpc::Procedure = rpc::Procedure {
                    program: #program_number,
                    version: #version_number,
                    number: #number,
                };
            }
        });
        let methods = version.procedures.iter().map(|procedure| self.client_methods(procedure));
        vec![
            quote! {
                #about
                #[derive(Clone, Debug)]
                pub struct #name(#[doc = " What sends the calls."] pub rpc::Client);
            },
            // The names are the file's.
            quote! {
                #[allow(clippy::style, clippy::too_many_arguments)]
                impl #name {
                    #(#constants)*
                    #(#methods)*
                }
            },
        ]
    }

    fn client_methods(&self, procedure: &Procedure) -> TokenStream {
        let (name, constant) = (identifier(&procedure.rust), identifier(&procedure.constant));
        let start = identifier(&names::started(&procedure.rust));
        let about = doc(&format!("Calls `{}` and waits for its result.", procedure.name));
        let about_start = doc(&format!(
            "Starts a call of `{}`; what is returned waits for its result.",
            procedure.name
        ));
        let declared = match &procedure.arguments[..] {
            [(name, base)] if !self.by_value(base) => {
                let (name, base) = (identifier(name), self.borrowed(base));
                quote!(, #name: #base)
            }
            // Several go as one tuple, which owns them.
            arguments => arguments
                .iter()
                .map(|(name, base)| {
                    let (name, base) = (identifier(name), self.base(base));
                    quote!(, #name: #base)
                })
                .collect(),
        };
        let passed = match &procedure.arguments[..] {
            [] => quote!(&()),
            [(name, base)] => {
                let name = identifier(name);
                if self.by_value(base) { quote!(&#name) } else { quote!(#name) }
            }
            several => {
                let names = several.iter().map(|(name, _)| identifier(name));
                quote!(&(#(#names),*))
            }
        };
        let (result, returned) = (self.std("Result"), self.returned(procedure));
        quote! {
            #about
            ///
            /// # Errors
            /// If there is no result.
            pub async fn #name(&self #declared) -> #result<#returned, rpc::CallError> {
                self.0.call(Self::#constant, #passed).await
            }

            #about_start
            ///
            /// # Errors
            /// If nothing can be sent.
            pub fn #start(&self #declared) -> #result<rpc::Pending<#returned>, rpc::CallError> {
                self.0.start(Self::#constant, #passed)
            }
        }
    }

    fn server_items(&self, program: &Program, version: &Version) -> Vec<TokenStream> {
        let name = identifier(&version.rust);
        let server = format_ident!("{}Server", name);
        let text = format!(
            "What a server of `{}` does: version {} of `{}`.",
            version.name, version.number, program.name
        );
        let about = doc(&text);
        let (send, sync) = (self.std("Send"), self.std("Sync"));
        // Procedure 0 does nothing, so that there is nothing to write.
        let called = || version.procedures.iter().filter(|procedure| procedure.number != 0);
        let methods = called().map(|procedure| self.server_method(procedure));
        let dispatcher = self.dispatcher(&name, &server, version, program);
        vec![
            quote! {
                #about
                #[allow(clippy::style, clippy::too_many_arguments)]
                pub trait #name: #send + #sync {
                    #(#methods)*
                }
            },
            {
                let text = format!("Offers what implements [`trait@{name}`] as a program.");
                let about = doc(&text);
                quote! {
                    #about
                    #[derive(Clone, Debug)]
                    pub struct #server<S>(#[doc = " What runs the procedures."] pub S);
                }
            },
            dispatcher,
        ]
    }

    fn server_method(&self, procedure: &Procedure) -> TokenStream {
        let name = identifier(&procedure.rust);
        let about = doc(&format!("Runs `{}`, procedure {}.", procedure.name, procedure.number));
        let arguments = procedure.arguments.iter().map(|(name, base)| {
            let (name, base) = (identifier(name), self.base(base));
            quote!(#name: #base)
        });
        let (result, send) = (self.std("Result"), self.std("Send"));
        let returned = self.returned(procedure);
        quote! {
            #about
            fn #name(
                &self,
                call: &rpc::Call
                #(, #arguments)*
            ) -> impl ::core::future::Future<Output = #result<#returned, rpc::Fault>> + #send;
        }
    }

    fn dispatcher(
        &self,
        name: &Ident,
        server: &Ident,
        version: &Version,
        program: &Program,
    ) -> TokenStream {
        let (program_number, version_number) =
            (identifier(&program.rust), identifier(&version.constant));
        let procedures: Vec<&Procedure> =
            version.procedures.iter().filter(|procedure| procedure.number != 0).collect();
        let arms = procedures.iter().map(|procedure| self.dispatch_arm(name, procedure));
        let generic = identifier(if version.rust == "S" { "T" } else { "S" });
        let call = identifier(if procedures.is_empty() { "_call" } else { "call" });
        let (in_box, err) = (self.std("Box"), self.std("Err"));
        quote! {
            impl<#generic: #name> rpc::Program for #server<#generic> {
                fn program(&self) -> u32 {
                    #program_number
                }

                fn version(&self) -> u32 {
                    #version_number
                }

                fn dispatch<'a>(
                    &'a self,
                    #call: &'a rpc::Call,
                    procedure: u32,
                    arguments: &'a [u8],
                ) -> rpc::Dispatched<'a> {
                    #in_box::pin(async move {
                        match procedure {
                            0 => {
                                rpc::arguments::<()>(arguments)?;
                                rpc::results(&())
                            }
                            #(#arms)*
                            _ => #err(rpc::Fault::NoProcedure),
                        }
                    })
                }
            }
        }
    }

    fn dispatch_arm(&self, version: &Ident, procedure: &Procedure) -> TokenStream {
        let (name, number) = (identifier(&procedure.rust), literal(procedure.number));
        let arguments: Vec<Ident> =
            procedure.arguments.iter().map(|(name, _)| identifier(name)).collect();
        let decode = match &arguments[..] {
            [] => quote!(rpc::arguments::<()>(arguments)?;),
            [only] => quote!(let #only = rpc::arguments(arguments)?;),
            several => quote!(let (#(#several),*) = rpc::arguments(arguments)?;),
        };
        quote! {
            #number => {
                #decode
                rpc::results(&#version::#name(&self.0, call #(, #arguments)*).await?)
            }
        }
    }

    fn returned(&self, procedure: &Procedure) -> TokenStream {
        procedure.result.as_ref().map_or(quote!(()), |base| self.base(base))
    }

    /// True for what is passed by value: numbers and the like, and `String`, since there is no XDR form
    /// of `str`.
    fn by_value(&self, base: &Base) -> bool {
        match base {
            Base::Scalar(_) | Base::Text => true,
            Base::Named(index) => self.model.types[*index].facts.copy,
        }
    }

    fn borrowed(&self, base: &Base) -> TokenStream {
        let base = self.base(base);
        quote!(&#base)
    }
}
