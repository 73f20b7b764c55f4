"""What happens when somebody does something: parse to a value, call a service, build the view."""
