//! Opens database files.

use std::{fs, io, path::Path};

use redb::{Database, DatabaseError};

/// Opens the database in the file at `path`, or creates it. Only one process can have it open.
///
/// A new file gets its name when it is complete: redb can't open one whose creation was cut short, by a full
/// disk or the end of the process.
///
/// # Errors
/// If the file can't be created, is no database, or is open already.
pub fn open_database(path: &Path) -> Result<Database, DatabaseError> {
    let is_there = path.try_exists().map_err(storage)? && fs::metadata(path).map_err(storage)?.len() > 0;
    if !is_there {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = Path::new(&name);
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(error)),
            _ => {}
        }
        drop(Database::create(new)?);
        fs::rename(new, path).map_err(storage)?;
        // The name must be on disk before anything in the file counts.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(storage)?;
        }
    }
    Database::open(path)
}

/// Has redb's errors become the variant `Database` of an error of stores, boxed.
#[macro_export]
macro_rules! database_errors {
    ($target:ident) => {
        $crate::database_errors!(
            $target: DatabaseError TransactionError TableError StorageError CommitError
        );
    };
    ($target:ident: $($error:ident)*) => {
        $(impl From<redb::$error> for $target {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

fn storage(error: io::Error) -> DatabaseError {
    redb::StorageError::Io(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_whose_creation_was_cut_short_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.redb");
        // What redb leaves behind: a file without a header, or an empty one.
        fs::write(folder.path().join("a.redb.new"), [0; 4_096]).unwrap();
        fs::write(&path, []).unwrap();
        let database = open_database(&path).unwrap();
        assert!(matches!(open_database(&path), Err(DatabaseError::DatabaseAlreadyOpen)));
        drop(database);
        open_database(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_database_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.redb");
        fs::write(&path, "something else").unwrap();
        assert!(open_database(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
    }
}
