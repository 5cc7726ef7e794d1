"""Pictures of people, of their way, of fields; faces made unrecognisable."""
