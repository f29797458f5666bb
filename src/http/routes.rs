//! Which operations a path has: one matcher for the whole service, shared by its workers.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::Method;
use matchit::{InsertError, Router};

use super::operation::{Announced, Operation};

/// Path parameters: names and values.
pub type Params = Vec<(String, String)>;

/// Every path of the service.
pub struct Routes(Router<OnPath>);

/// The operations on one path.
struct OnPath {
    names: Vec<String>,
    operations: Vec<(Method, Arc<Announced>)>,
    /// The value of the header `Allow`.
    allow: String,
}

impl OnPath {
    fn without_params(&self) -> Self {
        Self {
            names: Vec::new(),
            operations: self.operations.clone(),
            allow: self.allow.clone(),
        }
    }
}

/// What a method and a path lead to.
pub enum Found<'a> {
    Operation(&'a Arc<Operation>, Params),
    /// The path accepts only these methods.
    OtherMethod(&'a str),
    Nothing,
}

impl Routes {
    /// Takes in every operation.
    ///
    /// # Errors
    /// Two paths cannot be told apart.
    pub fn new(operations: &[Arc<Announced>]) -> Result<Self, InsertError> {
        let mut routes: Vec<(String, OnPath)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for operation in operations {
            let (shape, names) = shape(&operation.path);
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or_default();
            let added = (method, Arc::clone(operation));
            let known = places.get(&shape).and_then(|place| routes.get_mut(*place));
            if let Some((_, on_path)) = known {
                on_path.operations.push(added);
                continue;
            }
            places.insert(shape.clone(), routes.len());
            routes.push((
                shape,
                OnPath {
                    names,
                    operations: vec![added],
                    allow: String::new(),
                },
            ));
        }
        let mut router = Router::new();
        for (shape, mut on_path) in routes {
            on_path.allow = allowed(&on_path.operations);
            if let Some(folder) = shape.strip_suffix("{*p0}") {
                // The rest may be empty.
                router.insert(folder, on_path.without_params())?;
            }
            router.insert(shape, on_path)?;
        }
        Ok(Self(router))
    }

    /// What a method leads to at a path.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(found) = self.0.at(path) else {
            return Found::Nothing;
        };
        let on_path = found.value;
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        match on_path.operations.iter().find(|(own, _)| own == method) {
            Some((_, operation)) => {
                let values = found.params.iter().map(|(_, value)| value.to_owned());
                Found::Operation(
                    operation.operation(),
                    on_path.names.iter().cloned().zip(values).collect(),
                )
            }
            None => Found::OtherMethod(&on_path.allow),
        }
    }
}

/// A path whose parts in braces have the same names in every path, and their own names: paths differ
/// in what they call the same part. `{name:.*}` takes the whole rest.
fn shape(path: &str) -> (String, Vec<String>) {
    let (mut shape, mut names) = (String::new(), Vec::new());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let (name, star) = match name.strip_suffix(":.*") {
            Some(name) => (name, "*"),
            None => (name, ""),
        };
        shape.push_str(&format!("{before}{{{star}p{}}}", names.len()));
        names.push(name.to_owned());
        rest = after;
    }
    shape.push_str(rest);
    (shape, names)
}

fn allowed(operations: &[(Method, Arc<Announced>)]) -> String {
    let mut methods: Vec<&str> = operations
        .iter()
        .map(|(method, _)| method.as_str())
        .collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn parts_in_braces_have_their_own_names() {
        let (path, names) = shape("/api/v1/boards/{id}/history/{version}.json");
        assert_eq!(path, "/api/v1/boards/{p0}/history/{p1}.json");
        assert_eq!(names, ["id", "version"]);
        assert_eq!(shape("/docs/{file:.*}").0, "/docs/{*p0}");
    }
}
