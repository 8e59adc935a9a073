"""Rule packs: what the law of a country says about dates; one file for each country."""
