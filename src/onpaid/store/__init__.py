"""The store: a handful of verbs over keyed documents, several back ends, one suite of tests over all."""
