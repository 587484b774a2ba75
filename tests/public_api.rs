//! What each crate exports, as snapshots, so that a change to it is seen. After an intended change,
//! `INSTA_UPDATE=always cargo test --release --test public_api` writes the new ones.
//!
//! A snapshot is the crate's source without what is private: public modules, items, fields and methods under the paths
//! that users write, with attributes of consequence, but without bodies, values and documentation. The implementations
//! of all modules stand at the end. What macros of the crate expand to is not listed, nor what `derive` adds.

use std::path::{Path, PathBuf};
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

/// A crate, whole: the modules that stand in files of their own have their contents.
fn crate_at(source: &Path) -> Vec<Item> {
    items_of(&source.join("lib.rs"), source)
}

/// The items of a file, whose modules lie in `folder`.
fn items_of(file: &Path, folder: &Path) -> Vec<Item> {
    let text = std::fs::read_to_string(file).unwrap();
    let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    parsed.items.into_iter().filter_map(|item| with_contents(item, folder)).collect()
}

/// The item, unless it is only there for tests.
fn with_contents(item: Item, folder: &Path) -> Option<Item> {
    let Item::Mod(mut module) = item else { return Some(item) };
    let is_test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().unwrap().tokens.to_string() == "test"
    };
    if module.attrs.iter().any(is_test) {
        return None;
    }
    let folder = folder.join(module.ident.to_string());
    let (brace, items) = module.content.take().unwrap_or_else(|| {
        let files = [folder.join("mod.rs"), folder.with_extension("rs")];
        let file: PathBuf = files.into_iter().find(|file| file.is_file()).unwrap();
        (Default::default(), items_of(&file, &folder))
    });
    let items = items.into_iter().filter_map(|item| with_contents(item, &folder)).collect();
    module.content = Some((brace, items));
    Some(Item::Mod(module))
}

/// The items of a module, and whether users can name it.
fn module<'a>(root: &'a [Item], path: &[String]) -> Option<(&'a [Item], bool)> {
    path.iter().try_fold((root, true), |(items, reachable), name| {
        items.iter().find_map(|item| match item {
            Item::Mod(module) if module.ident == name.as_str() => {
                let items = &module.content.as_ref().unwrap().1;
                Some((items.as_slice(), reachable && is_public(&module.vis)))
            }
            _ => None,
        })
    })
}

/// Whether the documentation leaves it out, since it is not meant for users.
fn is_hidden(attributes: &[Attribute]) -> bool {
    let is_hidden = |a: &Attribute| {
        a.path().is_ident("doc") && a.parse_args::<syn::Ident>().is_ok_and(|word| word == "hidden")
    };
    attributes.iter().any(is_hidden)
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What a module exports.
fn exports(root: &[Item], path: &[String]) -> Vec<Item> {
    let mut out = Vec::new();
    for item in module(root, path).unwrap().0 {
        match item {
            Item::Use(item) if is_public(&item.vis) => {
                let mut leaves = Vec::new();
                leaves_of(&item.tree, &mut Vec::new(), &mut leaves);
                out.extend(leaves.into_iter().flat_map(|leaf| used(root, path, leaf)));
            }
            Item::Mod(module) if is_public(&module.vis) && !is_hidden(&module.attrs) => {
                let inner = exports(root, &[path, &[module.ident.to_string()]].concat());
                let (attributes, name) = (kept(&module.attrs), &module.ident);
                out.push(syn::parse_quote!(#(#attributes)* pub mod #name { #(#inner)* }));
            }
            _ => out.extend(skeleton(item.clone())),
        }
    }
    out
}

/// The paths of a `use`, each with its new name if it has one.
fn leaves_of(tree: &UseTree, path: &mut Vec<String>, out: &mut Vec<(Vec<String>, Option<String>)>) {
    match tree {
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            leaves_of(&tree.tree, path, out);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves_of(tree, path, out)),
        UseTree::Name(name) => out.push(([&path[..], &[name.ident.to_string()]].concat(), None)),
        UseTree::Rename(name) => {
            let path = [&path[..], &[name.ident.to_string()]].concat();
            out.push((path, Some(name.rename.to_string())));
        }
        UseTree::Glob(_) => out.push(([&path[..], &["*".to_string()]].concat(), None)),
    }
}

/// What `pub use` of a path exports from the module `here`: the items themselves if users have no other path to them.
fn used(
    root: &[Item],
    here: &[String],
    (path, rename): (Vec<String>, Option<String>),
) -> Vec<Item> {
    let (name, parents) = path.split_last().unwrap();
    let mut from = here.to_vec();
    for parent in parents {
        match parent.as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => drop(from.pop()),
            child => from.push(child.into()),
        }
    }
    match module(root, &from) {
        Some((_, false)) => {
            let mut all = exports(root, &from);
            all.retain(|item| name == "*" || ident(item).is_some_and(|known| known == name));
            if let Some(rename) = rename {
                for item in &mut all {
                    *ident_mut(item).unwrap() = syn::parse_str(&rename).unwrap();
                }
            }
            all
        }
        _ => {
            let name = rename.map_or(String::new(), |name| format!(" as {name}"));
            vec![syn::parse_str(&format!("pub use {}{name};", path.join("::"))).unwrap()]
        }
    }
}

/// The name under which an item is exported.
fn ident_mut(item: &mut Item) -> Option<&mut syn::Ident> {
    Some(match item {
        Item::Const(item) => &mut item.ident,
        Item::Enum(item) => &mut item.ident,
        Item::Fn(item) => &mut item.sig.ident,
        Item::Mod(item) => &mut item.ident,
        Item::Static(item) => &mut item.ident,
        Item::Struct(item) => &mut item.ident,
        Item::Trait(item) => &mut item.ident,
        Item::Type(item) => &mut item.ident,
        Item::Use(item) => last(&mut item.tree)?,
        _ => return None,
    })
}

/// The name that the one path of a `use` ends with.
fn last(tree: &mut UseTree) -> Option<&mut syn::Ident> {
    match tree {
        UseTree::Path(path) => last(&mut path.tree),
        UseTree::Name(name) => Some(&mut name.ident),
        UseTree::Rename(name) => Some(&mut name.rename),
        UseTree::Glob(_) | UseTree::Group(_) => None,
    }
}

fn ident(item: &Item) -> Option<syn::Ident> {
    ident_mut(&mut item.clone()).cloned()
}

/// The attributes of consequence to users.
fn kept(attributes: &[Attribute]) -> Vec<Attribute> {
    let names = ["cfg", "derive", "deprecated", "must_use", "non_exhaustive", "repr"];
    let is_kept = |a: &&Attribute| names.iter().any(|name| a.path().is_ident(name));
    attributes.iter().filter(is_kept).cloned().collect()
}

/// A public item without what is private.
fn skeleton(item: Item) -> Option<Item> {
    let public = match &item {
        Item::Const(item) => is_public(&item.vis),
        Item::Enum(item) => is_public(&item.vis),
        Item::Fn(item) => is_public(&item.vis),
        Item::Static(item) => is_public(&item.vis),
        Item::Struct(item) => is_public(&item.vis),
        Item::Trait(item) => is_public(&item.vis),
        Item::Type(item) => is_public(&item.vis),
        Item::Macro(item) => item.attrs.iter().any(|a| a.path().is_ident("macro_export")),
        _ => false,
    };
    if !public {
        return None;
    }
    let mut item = item;
    match &mut item {
        Item::Const(item) => {
            item.attrs = kept(&item.attrs);
            item.expr = syn::parse_quote!(_);
        }
        Item::Enum(item) => {
            item.attrs = kept(&item.attrs);
            for variant in &mut item.variants {
                variant.attrs = kept(&variant.attrs);
                variant.fields.iter_mut().for_each(|field| field.attrs = kept(&field.attrs));
            }
        }
        Item::Fn(item) => {
            item.attrs = kept(&item.attrs);
            item.block = syn::parse_quote!({});
        }
        Item::Macro(item) => item.mac.tokens = Default::default(),
        Item::Static(item) => {
            item.attrs = kept(&item.attrs);
            item.expr = syn::parse_quote!(_);
        }
        Item::Struct(item) => {
            item.attrs = kept(&item.attrs);
            item.fields = public_fields(&item.fields);
        }
        Item::Trait(item) => {
            item.attrs = kept(&item.attrs);
            for part in &mut item.items {
                match part {
                    TraitItem::Fn(part) => {
                        part.attrs = kept(&part.attrs);
                        part.default = part.default.as_ref().map(|_| syn::parse_quote!({}));
                    }
                    TraitItem::Const(part) => part.attrs = kept(&part.attrs),
                    TraitItem::Type(part) => part.attrs = kept(&part.attrs),
                    _ => {}
                }
            }
        }
        Item::Type(item) => item.attrs = kept(&item.attrs),
        _ => {}
    }
    Some(item)
}

/// `private: _` stands for all private fields with names, `_` for one without.
fn public_fields(fields: &Fields) -> Fields {
    let is_private = fields.iter().any(|field| !is_public(&field.vis));
    let public = fields.iter().filter(|field| is_public(&field.vis)).cloned().map(|mut field| {
        field.attrs = kept(&field.attrs);
        field
    });
    match fields {
        Fields::Unit => Fields::Unit,
        Fields::Named(_) => {
            let private = is_private.then(|| -> syn::Field { syn::parse_quote!(private: _) });
            let all = public.chain(private);
            Fields::Named(syn::parse_quote!({ #(#all),* }))
        }
        // Places matter.
        Fields::Unnamed(all) => {
            let all = all.unnamed.iter().map(|field| -> proc_macro2::TokenStream {
                let kind = &field.ty;
                if is_public(&field.vis) { quote::quote!(pub #kind) } else { quote::quote!(_) }
            });
            Fields::Unnamed(syn::parse_quote!(( #(#all),* )))
        }
    }
}

/// The implementations of all modules that concern a type or trait which is exported.
fn implementations(items: &[Item], names: &[String], out: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Mod(module) => {
                implementations(&module.content.as_ref().unwrap().1, names, out);
            }
            Item::Impl(item) => {
                let known = |path: &syn::Path| {
                    names.contains(&path.segments.last().unwrap().ident.to_string())
                };
                let of_type = matches!(&*item.self_ty, syn::Type::Path(path) if known(&path.path));
                let of_trait = item.trait_.as_ref().is_some_and(|(_, path, _)| known(path));
                let mut item = item.clone();
                let inherent = item.trait_.is_none();
                if !of_type && !of_trait {
                    continue;
                }
                item.attrs = kept(&item.attrs);
                item.items.retain_mut(|part| match part {
                    ImplItem::Fn(part) => {
                        part.attrs = kept(&part.attrs);
                        part.block = syn::parse_quote!({});
                        inherent && is_public(&part.vis)
                    }
                    ImplItem::Const(part) => {
                        part.attrs = kept(&part.attrs);
                        part.expr = syn::parse_quote!(_);
                        inherent && is_public(&part.vis)
                    }
                    ImplItem::Type(_) => true,
                    _ => false,
                });
                if !inherent || !item.items.is_empty() {
                    out.push(printed(vec![Item::Impl(item)]));
                }
            }
            _ => {}
        }
    }
}

/// The names of all types and traits.
fn names(items: &[Item], out: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Mod(module) => names(&module.content.as_ref().unwrap().1, out),
            Item::Enum(_) | Item::Struct(_) | Item::Trait(_) | Item::Type(_) => {
                out.extend(ident(item).map(|name| name.to_string()));
            }
            _ => {}
        }
    }
}

fn printed(items: Vec<Item>) -> String {
    prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items })
}

/// The public part of the crate whose sources lie in a folder.
fn public_api(source: &str) -> String {
    let root = crate_at(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
    let exported = exports(&root, &[]);
    let (mut known, mut all) = (Vec::new(), Vec::new());
    names(&exported, &mut known);
    implementations(&root, &known, &mut all);
    all.sort();
    printed(exported) + "\n" + &all.concat()
}

#[test]
fn the_crates_export_what_was_reviewed() {
    insta::assert_snapshot!("series", public_api("crates/series/src"));
    insta::assert_snapshot!("flow", public_api("crates/flow/src"));
    insta::assert_snapshot!("network", public_api("crates/network/src"));
    insta::assert_snapshot!("plot", public_api("crates/plot/src"));
    insta::assert_snapshot!("bea", public_api("src"));
}
