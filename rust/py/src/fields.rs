//! Reading the fields of the dataclasses in `commands.py`, with errors that name the field and what is wrong with it.

use std::fmt::Display;

use pyo3::PyClass;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// One dataclass instance.
pub struct Fields<'a, 'py> {
    object: &'a Bound<'py, PyAny>,
    class: String,
}

impl<'a, 'py> Fields<'a, 'py> {
    pub fn of(object: &'a Bound<'py, PyAny>) -> PyResult<Fields<'a, 'py>> {
        Ok(Fields { object, class: object.get_type().name()?.to_string() })
    }

    pub fn class(&self) -> &str {
        &self.class
    }

    /// A ValueError about one field.
    pub fn wrong(&self, name: &str, what: impl Display) -> PyErr {
        PyValueError::new_err(format!("{}.{name}: {what}", self.class))
    }

    /// An error of the conversion of one field's value, in plain words.
    fn unfit(&self, name: &str, value: &Bound<'_, PyAny>, error: &PyErr) -> PyErr {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            self.wrong(name, format_args!("{value} is out of range"))
        } else {
            PyTypeError::new_err(format!("{}.{name}: {error}", self.class))
        }
    }

    /// By the name's one string of the interpreter, which its cache of attributes goes by.
    fn attribute(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.object
            .getattr(PyString::intern(self.object.py(), name))
            .map_err(|_| PyTypeError::new_err(format!("{}.{name}: there is no such field", self.class)))
    }

    fn convert<T: for<'x> FromPyObject<'x, 'py, Error = PyErr>>(
        &self,
        name: &str,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<T> {
        value.extract().map_err(|error| self.unfit(name, value, &error))
    }

    /// An integer, a boolean or a string.
    pub fn get<T: for<'x> FromPyObject<'x, 'py, Error = PyErr>>(&self, name: &str) -> PyResult<T> {
        self.convert(name, &self.attribute(name)?)
    }

    /// An object of one of this module's classes, or None.
    pub fn instance<T: PyClass>(&self, name: &str) -> PyResult<Option<Bound<'py, T>>> {
        let value = self.attribute(name)?;
        if value.is_none() {
            return Ok(None);
        }
        let object = value.cast::<T>().map_err(|error| self.unfit(name, &value, &error.into()))?;
        Ok(Some(object.clone()))
    }

    /// One of a set of words (a `StrEnum` or its string).
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> PyResult<T> {
        self.known(name, &self.attribute(name)?, words)
    }

    fn known<T: Copy>(&self, name: &str, value: &Bound<'py, PyAny>, words: &[(&str, T)]) -> PyResult<T> {
        let word: String = self.convert(name, value)?;
        let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
            self.wrong(name, format_args!("{word:?} is none of {}", known.join(", ")))
        })
    }

    /// The entries of a sequence, at most `limit`, each converted by `each`.
    pub fn each<T>(
        &self,
        name: &str,
        limit: usize,
        each: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<Vec<T>> {
        let value = self.attribute(name)?;
        if value.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(format!(
                "{}.{name}: a sequence is needed, not a str",
                self.class
            )));
        }
        let entries = value.try_iter().map_err(|error| self.unfit(name, &value, &error))?.take(limit + 1);
        let entries: Vec<T> = entries.map(|entry| each(&entry?)).collect::<PyResult<_>>()?;
        if entries.len() > limit {
            return Err(self.wrong(name, format_args!("more than {limit} entries")));
        }
        Ok(entries)
    }

    /// The entries of a sequence of plain values.
    pub fn list<T: for<'x> FromPyObject<'x, 'py, Error = PyErr>>(
        &self,
        name: &str,
        limit: usize,
    ) -> PyResult<Vec<T>> {
        self.each(name, limit, |entry| self.convert(name, entry))
    }

    /// A dict from numbers to words, in its order.
    pub fn numbered<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> PyResult<Vec<(u8, T)>> {
        let value = self.attribute(name)?;
        let entries = value.cast::<PyDict>().map_err(|error| self.unfit(name, &value, &error.into()))?;
        let entry = |(key, word)| Ok((self.convert(name, &key)?, self.known(name, &word, words)?));
        entries.iter().map(entry).collect()
    }
}
