follow(document);
reveal();
