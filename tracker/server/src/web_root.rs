//! A folder of files beside the sockets (`webRoot`), at every path that nothing else has. The file
//! system is only asked on threads for blocking work, and whatever links and paths say, only
//! regular files inside the folder come out of it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use actix_files::{NamedFile, PathBufWrap};
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use origin::ConfigError;

/// What a folder shows of itself.
const INDEX: &str = "index.html";

/// A folder whose files are served.
#[derive(Clone, Debug)]
pub struct WebRoot {
    /// Without links, so that what is inside can be told by its beginning.
    folder: PathBuf,
}

/// What is at a path.
enum Found {
    File(File, PathBuf),
    /// A folder with an index, asked for without the `/` that its links are relative to.
    Folder,
}

impl WebRoot {
    /// The folder at `path`.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when it can't be read.
    pub fn new(path: PathBuf) -> Result<Self, ConfigError> {
        let folder = path.canonicalize().and_then(|folder| fs::read_dir(&folder).map(|_| folder));
        folder.map(|folder| Self { folder }).map_err(|error| ConfigError {
            key: "webRoot".to_owned(),
            value: format!("'{}'", path.display()),
            bound: format!("a folder that can be read ({error})"),
        })
    }

    /// Mounts the files in an app, behind everything else that it has.
    pub(crate) fn routes(self) -> impl Fn(&mut ServiceConfig) + Send + Sync {
        move |app| {
            let root = self.clone();
            app.default_service(web::to(move |request| serve(root.clone(), request)));
        }
    }

    /// Looks for what is at `path`, which has no `..` in it. Blocks.
    fn find(&self, path: &Path, is_folder: bool) -> io::Result<Found> {
        let mut place = self.within(path)?;
        if place.is_dir() {
            place = self.within(&place.join(INDEX))?;
            if !is_folder {
                return Ok(Found::Folder);
            }
        } else if is_folder {
            return Err(ErrorKind::NotFound.into());
        }
        // A pipe would be opened for ever.
        if !fs::metadata(&place)?.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(Found::File(File::open(&place)?, place))
    }

    /// The path without links, if it is in the folder and nothing on the way there is hidden.
    fn within(&self, path: &Path) -> io::Result<PathBuf> {
        let place = self.folder.join(path).canonicalize()?;
        let is_shown = |part: Component<'_>| !part.as_os_str().as_encoded_bytes().starts_with(b".");
        match place.strip_prefix(&self.folder) {
            Ok(inside) if inside.components().all(is_shown) => Ok(place),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }
}

async fn serve(root: WebRoot, request: HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    // It has neither `..` nor hidden names, and decodes no `/` into being.
    let Ok(path) = PathBufWrap::parse_req_path(&request, false) else {
        return not_found();
    };
    let is_folder = request.path().ends_with('/');
    let found = web::block(move || root.find(path.as_ref(), is_folder)).await;
    match found.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(Found::File(file, path)) => file_response(file, &path, &request),
        Ok(Found::Folder) => {
            // Relative, so that it can't lead to another host; `./` keeps a colon from being a
            // scheme's.
            let name = request.path().rsplit('/').next().unwrap_or_default();
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            HttpResponse::PermanentRedirect()
                .insert_header((LOCATION, format!("./{name}/{query}")))
                .finish()
        }
        Err(error) => match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::PermissionDenied
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename => not_found(),
            _ => said(StatusCode::INTERNAL_SERVER_ERROR, "the file can't be read\n"),
        },
    }
}

/// Type, length, ranges and validators; the content is read in pieces, on threads for that.
fn file_response(file: File, path: &Path, request: &HttpRequest) -> HttpResponse {
    let Ok(file) = NamedFile::from_file(file, path) else {
        return not_found();
    };
    let mut response = file.disable_content_disposition().into_response(request);
    // The type is what the name says, and nothing that a browser could think of.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn not_found() -> HttpResponse {
    said(StatusCode::NOT_FOUND, "not found\n")
}

fn said(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(text)
}
