//! A file of claims and the verdicts on them.

use super::{Checker, Claim, Verdict, parse};
use crate::optimizer::{self, Optimizer};
use crate::text::source::{Source, SourceError};

/// A file with its claims and optimizers.
pub struct Document {
    source: Source,
    optimizers: Vec<Optimizer>,
    claims: Vec<Claim>,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// Syntax errors, in claims and in optimizers; a file without claims.
    pub fn parse(source: Source) -> Result<Document, SourceError> {
        let claims = parse(&source)?;
        if claims.is_empty() {
            return Err(source.fault(
                source.text.len()..source.text.len(),
                "the file holds no claim",
                "the end of the file",
                Some(r#"write `claim "name": field(gradient_descent, 1) == f - h/2*f'f`"#.into()),
            ));
        }
        let optimizers = optimizer::parse(&source)?;
        Ok(Document { source, optimizers, claims })
    }

    /// The file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Its claims.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The line of a claim, counted from 1.
    pub fn line(&self, claim: &Claim) -> usize {
        1 + self.source.text[..claim.span.start].matches('\n').count()
    }

    /// Checks the claims one after the other, and hands each verdict over as soon as it is there.
    /// The fault of one claim does not keep the others from being checked.
    pub fn check<'d>(
        &'d self,
        mut before: impl FnMut(&'d Claim),
        mut after: impl FnMut(&'d Claim, Result<Verdict, SourceError>),
    ) {
        let mut checker = Checker::new(&self.optimizers);
        for claim in &self.claims {
            before(claim);
            after(claim, checker.check(claim, &self.source));
        }
    }
}
